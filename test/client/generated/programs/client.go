// Command client calls a service through the client that OpenAPI Generator makes for Go.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	introspect "example.invalid/introspect"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	url, pid := os.Args[1], os.Args[2]
	configuration := introspect.NewConfiguration()
	configuration.Servers = introspect.ServerConfigurations{{URL: url}}
	client := introspect.NewAPIClient(configuration)
	ctx := context.Background()

	process, _, err := client.ProcessesAPI.GetSysProcPid(ctx, pid).Execute()
	check(err)
	list, _, err := client.SystemAPI.GetSysProc(ctx).Limit(2).Execute()
	check(err)
	memory, _, err := client.SystemAPI.GetSysLimit(ctx, "memory-free").Execute()
	check(err)
	definition := introspect.NewThresholdDefinition()
	definition.SetAt(100000)
	put := client.ProcessesAPI.PutSysProcPidLimitThresholdName(ctx, pid, "fds", "go").
		ThresholdDefinition(*definition).IfNoneMatch("*")
	created, _, err := put.Execute()
	check(err)
	_, again, _ := put.Execute()
	read, _, err := client.ProcessesAPI.GetSysProcPidLimitThresholdName(ctx, pid, "fds", "go").Execute()
	check(err)
	_, err = client.ProcessesAPI.DeleteSysProcPidLimitThresholdName(ctx, pid, "fds", "go").Execute()
	check(err)
	_, missing, _ := client.ProcessesAPI.GetSysProcPidLimitThresholdName(ctx, pid, "fds", "go").Execute()

	text, err := json.Marshal(map[string]interface{}{
		"process":   process.GetName(),
		"entries":   len(list.GetEntries()),
		"more":      list.Next.IsSet() && list.Next.Get() != nil,
		"capacity":  memory.GetCapacity(),
		"at":        created.GetAt(),
		"state":     created.GetState(),
		"again":     again.StatusCode,
		"direction": read.GetDirection(),
		"missing":   missing.StatusCode,
	})
	check(err)
	fmt.Println(string(text))
}

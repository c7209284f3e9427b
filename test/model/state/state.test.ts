/** Tests saving and loading the state of a machine. */

import { describe, expect, test } from 'vitest'
import { KernelError } from '../../../src/kernel/errno.ts'
import { limitIndex } from '../../../src/kernel/limits/table.ts'
import { exportState, importState, type MachineState } from '../../../src/model/state/state.ts'
import { defaults } from '../../kernel/support.ts'
import { state, World } from '../world.ts'

const throughJson = (saved: MachineState) => JSON.parse(JSON.stringify(saved)) as MachineState

describe('a saved state', () => {
  test('with another version is refused with EINVAL and the name of the field', () => {
    const saved = exportState(new World().machine)
    for (const version of [0, 1, 2, 4, '3', undefined] as unknown as number[]) {
      const load = () => importState({ ...saved, version })
      expect(load).toThrow(KernelError)
      expect(load).toThrow(
        expect.objectContaining({
          errno: 'EINVAL',
          field: 'version',
          message: `the state has version ${version}, but only version 3 can be loaded`,
        }),
      )
    }
  })

  test('is refused if its thresholds share a revision, or have a future one', () => {
    const world = new World()
    const { kernel } = world.machine
    const definition = { ...defaults, at: 5 }
    kernel.update(kernel.now, () => {
      for (const name of ['one', 'two'])
        kernel.notifier.put(kernel.system, limitIndex.threads, name, { definition, owner: null })
    })
    const saved = exportState(world.machine)
    const [one, two] = saved.thresholds
    expect(() => importState({ ...saved, nextRevision: two!.revision })).toThrow('the next revision is')
    expect(() => importState({ ...saved, thresholds: [one!, { ...two!, revision: one!.revision }] })).toThrow(
      expect.objectContaining({ errno: 'EINVAL', field: 'thresholds/1/revision' }),
    )
  })

  test('is JSON, including unlimited values', () => {
    const world = new World()
    world.spawn('p')
    const saved = exportState(world.machine)
    expect(throughJson(saved)).toEqual(saved)
    expect(JSON.stringify(saved)).not.toContain('Infinity')
    const { machine } = importState(throughJson(saved))
    expect(machine.processes.get(1).rlimits.as.soft).toBe(Number.POSITIVE_INFINITY)
    expect(machine.pools.capacity(machine.processes.get(1), 'threads')).toBe(Number.POSITIVE_INFINITY)
    expect(machine.pools.capacity(machine.processes.get(1), 'fds')).toBe(1000)
    expect(machine.pools.capacity(machine.kernel.system, 'channels')).toBe(65_536)
  })

  test('is a copy: later changes of one machine do not affect the other', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    world.call(main, 'TimerCreate', { notify: { signal: 'SIGALRM' } })
    world.call(main, 'TimerSettime', { timerid: 1, after: 10 })
    const saved = exportState(world.machine)
    const text = JSON.stringify(saved)
    const copy = importState(saved)
    world.pass(10)
    expect(world.machine.processes.find(1)).toBe(null)
    expect(JSON.stringify(saved)).toBe(text)
    expect(JSON.stringify(exportState(copy.machine))).toBe(text)
    copy.machine.advance(10)
    expect(exportState(copy.machine)).toEqual(exportState(world.machine))
  })

  test('distinguishes the dead owner of a mutex from a later thread with that tid, and knows its ended process', () => {
    const world = new World()
    const owner = world.spawn('owner')
    world.call(world.thread(owner), 'SyncMutexLock', { mutex: '/gone' })
    world.call(world.thread(owner), 'exit', {})
    const process = world.spawn('p')
    const [main, ended] = [world.thread(process), world.more(process, { detached: true })]
    world.call(ended, 'SyncMutexLock', { mutex: 'm' })
    world.call(ended, 'ThreadDestroy', {})
    world.more(process)
    const { machine } = importState(throughJson(exportState(world.machine)))
    const call = (mutex: string, tid: number) =>
      machine.call(process.pid, tid, { name: 'SyncMutexLock', args: { mutex } })
    expect(call('m', 2)).toEqual({
      blocked: 'MUTEX',
      on: { mutex: 'm', owner: '/sys/proc/2/thread/2', ownerState: 'DEAD' },
    })
    expect(call('/gone', 1)).toMatchObject({ on: { owner: '/sys/proc/1/thread/1', ownerState: 'DEAD' } })
    expect(state(main)).not.toBe('MUTEX')
  })

  test('knows a connection whose channel was destroyed, even if another has its chid', () => {
    const world = new World()
    const [server, client] = [world.thread(world.spawn('server')), world.thread(world.spawn('client'))]
    const { chid, coid } = world.connect(client, server)
    world.call(client, 'ConnectAttach', { pid: 1, chid })
    world.call(server, 'ChannelDestroy', { chid })
    expect(world.call(server, 'ChannelCreate', {})).toEqual({ chid })
    const { machine } = importState(throughJson(exportState(world.machine)))
    const call = (name: 'MsgSend' | 'ConnectDetach') => machine.call(2, 1, { name, args: { coid } })
    expect(() => call('MsgSend')).toThrow('the channel of connection 1 was destroyed')
    expect(call('ConnectDetach')).toEqual({ returned: {} })
    expect(machine.pools.usage(machine.processes.get(2), 'connections')).toBe(1)
  })
})

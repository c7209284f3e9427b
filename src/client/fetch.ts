/** Defines the part of `fetch` that the client uses, so that the browser's, Node's and undici's all fit. */

export interface FetchRequest {
  readonly method?: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly cache?: 'no-store'
  readonly signal: AbortSignal
}

export interface FetchResponse {
  readonly ok: boolean
  readonly status: number
  readonly statusText: string
  readonly headers: { get(name: string): string | null }
  readonly body: ResponseBody | null
  text(): Promise<string>
}

export interface ResponseBody {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(): Promise<void>
  }
}

export type Fetch = (url: URL, init: FetchRequest) => Promise<FetchResponse>

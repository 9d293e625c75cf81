/** A message of server-sent events whose data are JSON. */
export interface SentMessage {
  readonly event: string
  readonly data: unknown
}

/** Reads the first messages of a stream, or all until it is cancelled. */
export async function readEvents(
  url: string,
  count: number,
  signal: AbortSignal = new AbortController().signal,
  onMessage: (message: SentMessage) => void = () => {},
): Promise<readonly SentMessage[]> {
  const abort = new AbortController()
  const response = await fetch(url, { signal: AbortSignal.any([signal, abort.signal]) })
  const messages: SentMessage[] = []
  let rest = ''
  for await (const text of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? []
      if (event === undefined || data === undefined) continue
      const message = { event, data: JSON.parse(data) as unknown }
      messages.push(message)
      onMessage(message)
    }
    if (messages.length >= count) break
  }
  abort.abort()
  return messages
}

/** How long searches take. */
export interface Searched {
  /** Until the first lines are found. */
  readonly firstMs: number
  /** Until all lines were looked at, for a text that is in none. */
  readonly wholeMs: number
}

/** Searches the history of a dashboard that has read its log. */
export async function measureSearch(port: number): Promise<Searched> {
  const firstMs = await timeOf(port, 'q=status:502&limit=100', (text) => text.includes('"lines":'))
  return { firstMs, wholeMs: await timeOf(port, 'q=%22no+such+text%22', (text) => text.includes('"end":')) }
}

async function timeOf(port: number, query: string, isDone: (text: string) => boolean): Promise<number> {
  const started = performance.now()
  const answer = await fetch(`http://127.0.0.1:${port}/api/search/stream?${query}`)
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of answer.body ?? []) {
    text = (text + decoder.decode(bytes as Uint8Array, { stream: true })).slice(-100_000)
    // To leave the loop cancels the search.
    if (isDone(text)) return performance.now() - started
  }
  throw new Error(`the search ended without an answer: ${text.slice(-200)}`)
}

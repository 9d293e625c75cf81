/** A line as VictoriaLogs returns it: every value is text. */
export type FoundLine = Readonly<Record<string, string>>

/** Runs a query of LogsQL in VictoriaLogs. */
export async function queryLines(url: string, query: string): Promise<readonly FoundLine[]> {
  const response = await fetch(`${url}/select/logsql/query`, { method: 'POST', body: new URLSearchParams({ query }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${query}: ${response.status} ${text}`)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FoundLine)
}

/** How many lines a query finds. */
export async function countLines(url: string, query: string): Promise<number> {
  const [found] = await queryLines(url, `${query} | stats count() as lines`)
  return Number(found?.['lines'] ?? 0)
}

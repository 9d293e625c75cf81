/** Paths that only programs ask for: health checks of an orchestrator, and scrapes of metrics. */
const PATHS =
  /^\/(?:-\/(?:healthy|ready)|_?_?health(?:z|check|_check|-check)?(?:\/.*)?|healthz(?:\/.*)?|livez?|liveness|readyz?|readiness|alive|ping|heartbeat|heartbeat\.html|_?metrics|actuator\/(?:health(?:\/.*)?|prometheus)|q\/(?:health(?:\/.*)?|metrics)|api\/healthz?)\/?$/i

/** The same as a regular expression of RE2, for engines. */
export const HEALTH_CHECKS: string = `(?i)${PATHS.source.replaceAll('\\/', '/')}`

/** Most paths begin otherwise, and need no further look. */
const FIRST_LETTERS = '-_HLRAPMQhlrapmq'
const PATH_CHARACTERS_MAX = 40
const KNOWN_MAX = 512
const known = new Map<string, boolean>()

/** Whether a request with this route or path is a health check or a scrape, and not what a user sent. */
export function isHealthCheck(path: string | undefined): boolean {
  if (path === undefined || path.length > PATH_CHARACTERS_MAX || !FIRST_LETTERS.includes(path[1] ?? ' ')) return false
  // Remembers the answers: the same few short paths come again and again.
  const before = known.get(path)
  if (before !== undefined) return before
  const query = path.indexOf('?')
  const answer = PATHS.test(query === -1 ? path : path.slice(0, query))
  if (known.size >= KNOWN_MAX) known.clear()
  known.set(path, answer)
  return answer
}

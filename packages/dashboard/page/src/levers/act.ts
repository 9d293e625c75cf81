import { leversPath } from './path.ts'

/** What the page can do to a breaker. */
export type Action = 'isolate' | 'trip' | 'reset' | 'disable' | 'enable' | 'reconfigure'

/** A breaker, by the names under which the service knows it. */
export interface BreakerName {
  readonly shield: string
  readonly policy: string
}

/** A breaker of the service, and its state. */
export interface ListedBreaker extends BreakerName {
  readonly state: string
}

/** What a request came to. `status` is 0 if the service did not answer. */
export type Outcome =
  | { readonly kind: 'done' | 'unchanged'; readonly before: string; readonly after: string }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string | undefined }

const ANSWER_MS_MAX = 10_000
const MESSAGE_CHARACTERS_MAX = 300

/**
 * Moves a lever of the service. It never rejects.
 *
 * @param options the new options of the breaker, for `reconfigure`
 */
export async function act(
  { shield, policy }: BreakerName,
  action: Action,
  reason: string,
  language: string,
  options?: object,
): Promise<Outcome> {
  const path = `${leversPath}/${encodeURIComponent(shield)}/${encodeURIComponent(policy)}`
  const body = JSON.stringify({ action, reason, options })
  // A form cannot send JSON, and no page of another origin may add a header: so the request comes from this page.
  const headers = { 'content-type': 'application/json', 'accept-language': language, 'x-escudo-page': 'levers' }
  const { status, json } = await ask(path, { method: 'POST', headers, body })
  if (status < 200 || status > 299) return { kind: 'refused', status, message: textOf(json, 'message') }
  const kind = textOf(json, 'outcome') === 'unchanged' ? 'unchanged' : 'done'
  return { kind, before: shownOf(json, 'before'), after: shownOf(json, 'after') }
}

/** Lists the breakers of the service; the status if it refuses to. */
export async function listBreakers(language: string): Promise<readonly ListedBreaker[] | number> {
  const { status, json } = await ask(leversPath ?? '', { headers: { 'accept-language': language } })
  if (status !== 200) return status
  const shields = fieldOf(json, 'shields')
  return (Array.isArray(shields) ? shields : []).flatMap((shield) => {
    const policies = fieldOf(shield, 'policies')
    return (Array.isArray(policies) ? policies : [])
      .filter((policy) => fieldOf(policy, 'type') === 'circuitBreaker')
      .map((policy) => ({
        shield: String(fieldOf(shield, 'name')),
        policy: String(fieldOf(policy, 'name')),
        state: textOf(policy, 'state') ?? '',
      }))
  })
}

async function ask(path: string, init: RequestInit): Promise<{ readonly status: number; readonly json: unknown }> {
  try {
    const response = await fetch(path, {
      ...init,
      mode: 'same-origin',
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    return { status: response.status, json: await response.json().catch(() => undefined) }
  } catch {
    return { status: 0, json: undefined }
  }
}

/** What an action was done to: the state of the breaker, or the changed options. */
function shownOf(json: unknown, name: string): string {
  const shown = fieldOf(json, name)
  return textOf(shown, 'state') ?? (shown == null ? '—' : JSON.stringify(shown).slice(0, MESSAGE_CHARACTERS_MAX))
}

function textOf(json: unknown, name: string): string | undefined {
  const value = fieldOf(json, name)
  return typeof value === 'string' ? value.slice(0, MESSAGE_CHARACTERS_MAX) : undefined
}

function fieldOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>)[name] : undefined
}

import { CommandError, EXIT } from '../command.ts'
import { cell } from './cell.ts'
import { MAY_BE_DONE } from './no-answer.ts'

const DETAIL_LENGTH_MAX = 500
const FINDINGS_SHOWN = 5

/** The parts of an error body that are shown. */
interface ErrorBody {
  readonly error_code?: unknown
  readonly message?: unknown
  readonly trace_id?: unknown
  readonly context?: { readonly errors?: unknown }
}

interface Asked {
  readonly url: string
  readonly hasToken: boolean
  /** Whether the request was an action. */
  readonly acts: boolean
}

/** Describes an answer that is no success: what is wrong, and what to do. */
export function describeRefusal(response: Response, answer: unknown, asked: Asked): CommandError {
  const { status } = response
  const body: ErrorBody = typeof answer === 'object' && answer !== null ? answer : {}
  if (typeof body.error_code !== 'string') return withoutBody(response, asked)
  const code = cell(body.error_code, 64)
  const trace = typeof body.trace_id === 'string' ? `; trace ${cell(body.trace_id, 64)}` : ''
  const text = [
    cell(body.message, DETAIL_LENGTH_MAX),
    ...findingsOf(body),
    hintFor(status, body.error_code, asked),
    asked.acts && isLost(status) ? `${MAY_BE_DONE}.` : '',
  ]
  const message = `${text.filter((part) => part !== '').join(' ')} (${status} ${code}${trace})`
  return new CommandError(isUnavailable(status) ? EXIT.unreachable : EXIT.refused, message)
}

function isUnavailable(status: number): boolean {
  return status === 502 || status === 503 || status === 504
}

/** Whether a proxy has passed the request to the service, and has got no answer. */
function isLost(status: number): boolean {
  return status === 502 || status === 504
}

function withoutBody({ status, headers, url: asked }: Response, { url, acts }: Asked): CommandError {
  if (isUnavailable(status)) {
    const hint = acts && isLost(status) ? MAY_BE_DONE : 'Try again later'
    return new CommandError(EXIT.unreachable, `${url} answers ${status}: the service is not available. ${hint}`)
  }
  const target = status < 400 ? targetOf(headers.get('location'), asked) : undefined
  if (target?.isRoute === true) {
    return new CommandError(EXIT.refused, `${url} redirects to ${target.url}. Use that address: --url URL`)
  }
  const other = status < 300 ? 'answers something else than the admin routes of escudo' : `answers ${status}`
  const problem = target === undefined ? other : `redirects to ${target.url}`
  return new CommandError(EXIT.refused, `${url} ${problem}. Does the service at this address register adminRoutes?`)
}

/** Where a redirection leads: to an admin route, whose service is then the URL, or to another page, such as a login. */
function targetOf(
  location: string | null,
  asked: string,
): { readonly url: string; readonly isRoute: boolean } | undefined {
  if (location === null || !URL.canParse(location, asked)) return undefined
  const { protocol, origin, pathname } = new URL(location, asked)
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  const service = pathname.replace(/\/admin\/shields(?:\/.*)?$/, '')
  return { url: cell(`${origin}${service}`, 200), isRoute: service !== pathname }
}

/** The findings of a validation: `/options/maxRetries: expected a whole number`. */
function findingsOf({ context }: ErrorBody): readonly string[] {
  const errors = context?.errors
  if (!Array.isArray(errors)) return []
  const shown = errors
    .slice(0, FINDINGS_SHOWN)
    .map((finding: { readonly pointer?: unknown; readonly message?: unknown } | null) => {
      return `${cell(finding?.pointer, 200)}: ${cell(finding?.message, DETAIL_LENGTH_MAX)}`
    })
  return [shown.join('; ')]
}

function hintFor(status: number, code: string, { hasToken, url }: Asked): string {
  if (code === 'CROSS_ORIGIN_REFUSED') {
    return 'Call the service by its address, or add this host name to the option hosts of adminRoutes.'
  }
  if (status === 401) return hasToken ? 'Check the token.' : 'Set ESCUDO_TOKEN, or use --token TOKEN.'
  if (status === 403) return 'Use the token of an operator.'
  if (status === 404) return `escudo status --url ${url} lists the shields and policies.`
  return ''
}

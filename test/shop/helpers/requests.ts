import type { Name, System } from './system.ts'

/** The keys that tests look at, of any answer. Which of them are there is what the tests find out. */
export interface Body {
  readonly trace_id: string
  readonly error_code: string
  readonly message: string
  readonly status_code: number
  readonly service_name: string
  readonly context: { readonly errors: readonly { readonly in: string; readonly pointer: string }[] }
  readonly inventory: { readonly stock: number | null }
  readonly requests: number
  readonly server_errors: number
  readonly lines: { readonly malformed: number }
  readonly by_service: Readonly<Record<string, unknown>>
}

/** An answer, with its body read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; an empty object when it is none. */
  readonly json: Body
  readonly ms: number
}

/** Asks one of the processes. */
export async function ask(system: System, name: Name, path: string, init: RequestInit = {}): Promise<Answer> {
  return await askPort(system.ports[name], path, init)
}

/** Asks whatever listens on a port. */
export async function askPort(port: number, path: string, init: RequestInit = {}): Promise<Answer> {
  const started = performance.now()
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  const text = await response.text()
  const ms = performance.now() - started
  return { status: response.status, headers: response.headers, text, json: parsed(text) as Body, ms }
}

/** What makes a request with a JSON body. */
export function posting(body: unknown, method = 'POST'): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** Sets a service's fault; throws when the switch does not take it. */
export async function setFault(system: System, name: Name, fault: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = await ask(system, name, '/__faults', posting(fault, 'PUT'))
  if (answer.status >= 300) throw new Error(`the fault switch said ${answer.status} ${answer.text}`)
}

/** Gives a service back its own behaviour. */
export async function clearFault(system: System, name: Name): Promise<void> {
  const answer = await ask(system, name, '/__faults', { method: 'DELETE' })
  if (answer.status >= 300) throw new Error(`the fault switch said ${answer.status} ${answer.text}`)
}

/** Whether something accepts connections there. */
export async function listening(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(500) }).then(
    () => true,
    (error: { name?: string }) => error.name === 'TimeoutError',
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

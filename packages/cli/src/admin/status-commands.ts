import { type Command, CommandError, EXIT, type Given, type Output } from '../command.ts'
import { givenValue, numberOf } from '../options.ts'
import { cell, json } from './cell.ts'
import {
  CONNECTION_DETAILS,
  CONNECTION_OPTIONS,
  type Connection,
  connectionOf,
  connectionsOf,
  otherAnswer,
  pathTo,
} from './connection.ts'
import { fleetTable, type Instance } from './fleet-table.ts'
import { type Listed, readListed, readOne, type ShownShield, table } from './status-table.ts'
import { changesBetween, untilSignal } from './watching.ts'

const SHIELD = { name: 'SHIELD', optional: true, text: 'only this shield (default: all)' } as const

const URLS = {
  name: 'url',
  value: 'URL',
  repeatable: true,
  text: 'the service, or one of its instances: once for each (default: ESCUDO_URL, or http://localhost:8000)',
} as const

/** `escudo status`: shows the shields of a running service. */
export const status: Command = {
  name: 'status',
  summary: 'Show the shields of a running service, and the state of their policies.',
  operands: [SHIELD],
  options: CONNECTION_OPTIONS.map((option) => (option.name === 'url' ? URLS : option)),
  details: `With several URLs, it shows the state of each shield in each instance of the
service. An instance that does not answer is listed with the reason.

${CONNECTION_DETAILS}`,
  run: async (given, output) => {
    const connections = connectionsOf(given)
    const [connection] = connections
    if (connection === undefined || connections.length > 1) return statusOfFleet(given, connections, output)
    const { answer, view } = await read(connection, givenValue(given, 'SHIELD'))
    output.out(given.has('json') ? `${json(answer, 2)}\n` : screen(view, connection, output))
  },
}

/** Shows the shields of all instances of a service. */
async function statusOfFleet(given: Given, connections: readonly Connection[], output: Output): Promise<void> {
  const shield = givenValue(given, 'SHIELD')
  const looks = await Promise.allSettled(connections.map((connection) => read(connection, shield)))
  const failed = looks.find((look) => look.status === 'rejected')
  // A wrong token or shield is an error of the command, and so is a service of which nothing answers.
  if (failed !== undefined && looks.every(({ status }) => status === 'rejected')) throw failed.reason
  const instances = connections.map(({ url }, index): Instance => {
    const look = looks[index]
    if (look?.status === 'fulfilled') return { url, ...look.value, problem: undefined }
    const problem = look?.reason instanceof Error ? look.reason.message : ''
    return { url, answer: undefined, view: undefined, problem: cell(problem, 300) }
  })
  if (given.has('json')) {
    const answers = instances.map(({ url, answer, problem }) => ({
      url,
      ...(problem === undefined ? { answer } : { problem }),
    }))
    output.out(`${json({ instances: answers }, 2)}\n`)
  } else output.out(fleetTable(instances, output.terminal))
}

/** `escudo watch`: shows the shields until it is interrupted. */
export const watch: Command = {
  name: 'watch',
  summary: 'Show the shields of a running service until Ctrl-C, also over its restarts.',
  operands: [SHIELD],
  options: [
    ...CONNECTION_OPTIONS,
    { name: 'interval', value: 'SECONDS', text: 'the time between two looks at the service (default 1)' },
  ],
  details: `A terminal shows the current state. A file or a pipe gets the state once, then a
line for each change. With --json, each look is one line.

${CONNECTION_DETAILS}`,
  run: async (given, output) => {
    const connection = connectionOf(given)
    const intervalMs = numberOf(given, 'interval', { min: 0.1, max: 3_600, default: 1 }) * 1_000
    await untilSignal((signal) => new Watch(given, connection, output).run(intervalMs, signal))
  },
}

/** One run of `escudo watch`. */
class Watch {
  readonly #given: Given
  readonly #connection: Connection
  readonly #output: Output
  #last: readonly ShownShield[] | undefined
  /** Why the last look failed; undefined if it did not. */
  #problem: string | undefined

  constructor(given: Given, connection: Connection, output: Output) {
    this.#given = given
    this.#connection = connection
    this.#output = output
  }

  async run(intervalMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(signal)
      await wait(intervalMs, signal)
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      const { answer, view } = await read(this.#connection, givenValue(this.#given, 'SHIELD'), signal)
      this.#show(answer, view)
    } catch (error) {
      if (signal.aborted) return
      // A service that was never reached is probably another one than the user means.
      const isRestarting = error instanceof CommandError && error.exitCode === EXIT.unreachable
      if (!isRestarting || this.#last === undefined) throw error
      this.#tellProblem(error.message)
    }
  }

  #show(answer: unknown, view: Listed): void {
    const { out, terminal } = this.#output
    const before = this.#last
    this.#last = view.shields
    if (this.#given.has('json')) out(`${json(answer)}\n`)
    else if (terminal !== undefined) {
      const shown = fitting(screen(view, this.#connection, this.#output), terminal.rows() - 3)
      // From the top of the cleared screen.
      out(`\u001b[H\u001b[J${shown}\n${now()}  Ctrl-C ends\n`)
    } else if (before === undefined) out(screen(view, this.#connection, this.#output))
    else for (const change of changesBetween(before, view.shields)) out(`${now()} ${change}\n`)
    if (this.#problem !== undefined) this.#output.err(`escudo: ${now()} the service answers again\n`)
    this.#problem = undefined
  }

  #tellProblem(problem: string): void {
    if (this.#problem !== problem) this.#output.err(`escudo: ${now()} ${problem}; trying again\n`)
    this.#problem = problem
  }
}

/** Looks at the service once. */
async function read(
  connection: Connection,
  shield: string | undefined,
  signal?: AbortSignal,
): Promise<{ readonly answer: unknown; readonly view: Listed }> {
  const answer = await connection.ask(shield === undefined ? '' : pathTo(shield, undefined), undefined, signal)
  const view = shield === undefined ? readListed(answer) : readOne(answer)
  if (view === undefined) throw otherAnswer(connection)
  return { answer, view }
}

function screen({ service, shields, total }: Listed, { url }: Connection, { terminal }: Output): string {
  const head = service === '' ? '' : `${service} at ${url}\n\n`
  const more = total > shields.length ? `\n${total - shields.length} more shields are not shown\n` : ''
  const none = shields.length === 0 ? 'no shield is alive\n' : ''
  return `${head}${none}${table(shields, terminal)}${more}`
}

/** The first lines of a screen. More lines than the terminal has would scroll at every look. */
function fitting(text: string, rows: number): string {
  const lines = text.trimEnd().split('\n')
  if (lines.length <= Math.max(1, rows)) return text
  const room = Math.max(1, rows - 1)
  return `${lines.slice(0, room).join('\n')}\n… ${lines.length - room} more lines: name a shield\n`
}

function now(): string {
  return new Date().toISOString()
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(end, ms)
    function end(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    signal.addEventListener('abort', end)
  })
}

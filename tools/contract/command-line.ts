import { parseArgs } from 'node:util'
import { PORT_VARIABLES } from './shop/own-shop.ts'
import type { Target } from './shop/target.ts'
import { SERVICES, type Service } from './wire/request.ts'

/** What the command was asked to do. */
export type Command =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'walk'
      /** Numbers of rows, or beginnings of them; all rows when it is empty. */
      readonly rows: readonly string[]
      readonly json: boolean
      /** A shop that runs already; undefined to start one. */
      readonly given: { readonly ports: Target['ports']; readonly logFolder: string | undefined } | undefined
    }

/** A wrong flag or value, said in one line. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage'
}

const DEFAULT_PORTS: Target['ports'] = { shop: 8000, flaky: 9000, product: 9001, inventory: 9002, dashboard: 8501 }

/** The text of `--help`. */
export const HELP = `Usage: npm run contract -- [flags]

Walks the rows of the contract against a running shop, and says of each what was asked, what was expected, what came,
and whether it holds. Exits with 1 when anything differs. Without --url it starts a shop of its own on free ports, with
its logs in a temporary folder, and stops it at the end.

  --row ROW          only this row, or all whose number begins so: 4.7b, 4.7; may be given several times
  --json             one JSON document in place of lines
  --url URL          the shop that runs already: http://127.0.0.1:8000; loopback only
  --flaky-url URL    its dependencies and its dashboard, where they are not at the default ports or at those that
  --product-url URL  ${SERVICES.map((service) => PORT_VARIABLES[service]).join(', ')} say
  --inventory-url URL
  --dashboard-url URL
  --logs FOLDER      where its *.jsonl files are; without it rows about log lines are pending
  --help             this text

A given shop is changed by the walk: users and orders are made, faults are set and cleared, processes are killed.
`

const FLAGS = {
  row: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  url: { type: 'string' },
  'flaky-url': { type: 'string' },
  'product-url': { type: 'string' },
  'inventory-url': { type: 'string' },
  'dashboard-url': { type: 'string' },
  logs: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/**
 * Reads the command line.
 *
 * @throws WrongUsage for an unknown flag, a missing value, an URL that is not loopback, a flag that needs `--url`
 */
export function readCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Command {
  const values = parsed(argv)
  if (values.help === true) return { kind: 'help' }
  const walk = { kind: 'walk', rows: values.row ?? [], json: values.json === true } as const
  if (walk.rows.includes('')) throw new WrongUsage('--row takes the number of a row, such as 4.7b')
  if (values.url === undefined) {
    const stray = (['flaky-url', 'product-url', 'inventory-url', 'dashboard-url', 'logs'] as const).find(
      (flag) => values[flag] !== undefined,
    )
    if (stray !== undefined) throw new WrongUsage(`--${stray} needs --url, the shop that runs already`)
    return { ...walk, given: undefined }
  }
  const urls = { ...values, 'shop-url': values.url }
  const ports = Object.fromEntries(
    SERVICES.map((service) => [service, portOf(service, urls[`${service}-url`], env)]),
  ) as Record<Service, number>
  return { ...walk, given: { ports, logFolder: values.logs } }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false }).values
  } catch (error) {
    // Its own messages run over several sentences; the first one names the flag.
    const message = error instanceof Error ? error.message : String(error)
    throw new WrongUsage(`${message.split(/\n|\. /, 1)[0]}; see --help`)
  }
}

function portOf(service: Service, url: string | undefined, env: NodeJS.ProcessEnv): number {
  if (url === undefined) {
    const variable = env[PORT_VARIABLES[service]]
    if (!variable) return DEFAULT_PORTS[service]
    const port = Number(variable)
    if (/^\d{1,5}$/.test(variable) && port >= 1 && port <= 65_535) return port
    throw new WrongUsage(`${PORT_VARIABLES[service]} takes a port, got ${JSON.stringify(variable)}`)
  }
  const flag = service === 'shop' ? '--url' : `--${service}-url`
  if (!URL.canParse(url))
    throw new WrongUsage(`${flag} takes a URL such as http://127.0.0.1:8000, got ${JSON.stringify(url)}`)
  const { protocol, hostname, port, pathname, search, username } = new URL(url)
  if (protocol !== 'http:' || pathname !== '/' || search !== '' || username !== '') {
    throw new WrongUsage(`${flag} takes http, a host and a port alone, got ${JSON.stringify(url)}`)
  }
  // The services listen on 127.0.0.1 only, and that is where the walk connects.
  if (!['localhost', '127.0.0.1'].includes(hostname))
    throw new WrongUsage(`${flag} must be on loopback, got ${hostname}`)
  return port === '' ? 80 : Number(port)
}

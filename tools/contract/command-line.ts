import { parseArgs } from 'node:util'
import { PORT_VARIABLES } from './shop/own-shop.ts'
import type { Target } from './shop/target.ts'
import { SERVICES, type Service } from './wire/request.ts'

/** The parsed command line. */
export type Command =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'walk'
      /** Row numbers or their prefixes; empty means all rows. */
      readonly rows: readonly string[]
      readonly json: boolean
      /** The running shop to use; undefined to start one. */
      readonly given: { readonly ports: Target['ports']; readonly logFolder: string | undefined } | undefined
    }

/** A wrong flag or value. The message is one line. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage'
}

const DEFAULT_PORTS: Target['ports'] = { shop: 8000, flaky: 9000, product: 9001, inventory: 9002, dashboard: 8501 }

const PORTS_HELP = SERVICES.filter((service) => service !== 'shop')
  .map((service) => PORT_VARIABLES[service])
  .join(', ')

/** The text of `--help`. */
export const HELP = `Usage: npm run contract -- [flags]

Checks each row of the contract against a running shop. Prints for each row the request, the expected answer, the actual
answer and the verdict. Exits with 1 if a row differs. Without --url, starts a new shop on free ports, with its logs in a
temporary folder, and stops it at the end.

  --row ROW             checks only this row, or all rows with this prefix: 4.7b, 4.7; repeatable
  --json                prints one JSON document instead of lines
  --url URL             uses this running shop: http://127.0.0.1:8000; loopback only
  --flaky-url URL       the URL of the flaky service
  --product-url URL     the URL of the product service
  --inventory-url URL   the URL of the inventory service
  --dashboard-url URL   the URL of the dashboard
  --logs FOLDER         the folder of the shop's *.jsonl files; without it, rows about log lines are pending
  --help                prints this text

Without a URL flag, the port of a service is the value of its variable, or else the default port. The variables are
${PORTS_HELP}.

The check changes a shop given by --url: it creates users and orders, sets and clears faults, and kills processes.
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
 * Parses the command line.
 *
 * @throws WrongUsage for an unknown flag, a missing value, a URL that is not loopback, or a flag that needs `--url`
 */
export function readCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Command {
  const values = parsed(argv)
  if (values.help === true) return { kind: 'help' }
  const walk = { kind: 'walk', rows: values.row ?? [], json: values.json === true } as const
  if (walk.rows.includes('')) throw new WrongUsage('--row needs the number of a row, such as 4.7b')
  if (values.url === undefined) {
    const stray = (['flaky-url', 'product-url', 'inventory-url', 'dashboard-url', 'logs'] as const).find(
      (flag) => values[flag] !== undefined,
    )
    if (stray !== undefined) throw new WrongUsage(`--${stray} needs --url, the URL of a running shop`)
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
    // The message of parseArgs has several sentences; the first one names the flag.
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
    throw new WrongUsage(`${PORT_VARIABLES[service]} must be a port, got ${JSON.stringify(variable)}`)
  }
  const flag = service === 'shop' ? '--url' : `--${service}-url`
  if (!URL.canParse(url))
    throw new WrongUsage(`${flag} must be a URL such as http://127.0.0.1:8000, got ${JSON.stringify(url)}`)
  const { protocol, hostname, port, pathname, search, username } = new URL(url)
  if (protocol !== 'http:' || pathname !== '/' || search !== '' || username !== '') {
    throw new WrongUsage(`${flag} must be http with only a host and a port, got ${JSON.stringify(url)}`)
  }
  // The services listen only on 127.0.0.1, and the requests go there.
  if (!['localhost', '127.0.0.1'].includes(hostname))
    throw new WrongUsage(`${flag} must be on loopback, got ${hostname}`)
  return port === '' ? 80 : Number(port)
}

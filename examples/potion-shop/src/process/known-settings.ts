import type { Setting } from './settings.ts'

/** The form of a value, and the function that reads it. */
type Form<T> = Pick<Setting<T>, 'takes' | 'parse' | 'secret'>

const PORT = wholeNumber('a port', 1, 65_535)
const PATH: Form<string> = { takes: 'a path', parse: (text) => (text.includes('\0') ? undefined : text) }
const RATE: Form<number> = {
  takes: 'a share from 0 to 1',
  parse: (text) => (/^\d*\.?\d+$/.test(text) && Number(text) <= 1 ? Number(text) : undefined),
}
const TOKEN: Form<string> = {
  takes: '8 to 256 letters, digits and signs, without spaces',
  // Characters that a header field carries unchanged.
  parse: (text) => (/^[!-~]{8,256}$/.test(text) ? text : undefined),
  secret: true,
}

/** The port of each process, always on loopback. */
export const ports = {
  shop: setting('shop-port', PORT, 8000, 'where the shop listens'),
  flaky: setting('flaky-port', PORT, 9000, 'where the flaky service listens'),
  product: setting('product-port', PORT, 9001, 'where the product service listens'),
  inventory: setting('inventory-port', PORT, 9002, 'where the inventory service listens'),
  dashboard: setting('dashboard-port', PORT, 8501, 'where the dashboard listens'),
} as const

/** How many instances of the shop run. */
export const instances = setting(
  'instances',
  wholeNumber('a whole number', 1, 16),
  1,
  'how many instances of the shop run, at every tenth port',
)

/** The Redis over which the instances of the shop share their limits and circuits. */
export const redisPort = setting(
  'redis-port',
  PORT,
  undefined,
  'a Redis on this machine, over which instances of the shop share limits and circuits',
)

/** The name of an instance of the shop: `instance` in its log lines and metrics. */
export const instance = setting(
  'instance',
  {
    takes: '1 to 100 letters, digits and signs, without spaces',
    parse: (text) => (/^[!-~]{1,100}$/.test(text) ? text : undefined),
  },
  undefined,
  'the name of this instance, in its log lines and metrics',
)

/** How often the example fails at random: 0 never, 1 always. */
export const rates = {
  users: setting('users-fail-rate', RATE, 0.1, 'the share of valid POST /users that fail'),
  fakeService: setting('fake-service-fail-rate', RATE, 0.7, 'the share of GET /fake_service that answer 503'),
  unstable: setting('unstable-fail-rate', RATE, 0.5, 'the share of GET /unstable that answer 500'),
} as const

/** Makes random failures repeatable. */
export const seed = setting(
  'seed',
  wholeNumber('a whole number', 0, 0xffff_ffff),
  undefined,
  'repeats the same random failures',
)

/** The tokens of users and administrators. */
export const tokens = {
  user: setting('user-token', TOKEN, 'secreto123', 'the value of X-Token for GET /secure_data'),
  admin: setting('admin-token', TOKEN, 'admin123', 'the value of X-Token for /admin'),
} as const

/** The bound of each collection that the shop keeps in memory. */
export const entriesMax = setting(
  'entries-max',
  wholeNumber('a whole number', 1, 1_000_000),
  10_000,
  'the most users, and the most tasks, that the shop keeps',
)

/** A request that arrives slower than this gets 408, so that slow senders cannot fill the shop. */
export const requestTimeoutMs = setting(
  'request-timeout-ms',
  wholeNumber('a whole number', 100, 3_600_000),
  60_000,
  'how long a request to the shop may take to arrive, in milliseconds',
)

/** A file for the log lines, in addition to standard output. */
export const logFile = setting('log-file', PATH, undefined, 'a file for the log lines, in addition to standard output')

/** A log engine that gets the log lines too: VictoriaLogs or Loki. */
export const logEngine = setting(
  'log-engine',
  {
    takes: 'a URL',
    parse: (text) => (/^https?:\/\//.test(text) && URL.canParse(text) ? text : undefined),
    // It may contain a key.
    secret: true,
  },
  undefined,
  'where the log lines are sent too: a path such as /insert/jsonline or /loki/api/v1/push',
)

/** The shop's own dashboard, in addition to the one of `npm start`. */
export const ownDashboard = setting(
  'shop-dashboard',
  { takes: 'on or off', parse: (text) => (text === 'on' || text === 'off' ? text : undefined) },
  'off',
  'a dashboard of the shop alone at /admin/dashboard, for administrators',
)

/** The folder of the log files of all processes. */
export const logDir = setting('log-dir', PATH, 'logs', 'the folder of the log files')

/** A process's own port: the same variable, with the flag `--port`. */
export function ownPort(port: Setting<number>): Setting<number> {
  return { ...port, flag: 'port' }
}

/** The variable of `--shop-port` is `ESCUDO_SHOP_PORT`. */
function setting<T, F extends T | undefined>(flag: string, form: Form<T>, fallback: F, help: string): Setting<T | F> {
  return { flag, env: `ESCUDO_${flag.toUpperCase().replaceAll('-', '_')}`, fallback, help, ...form }
}

function wholeNumber(what: string, min: number, max: number): Form<number> {
  return {
    takes: `${what}, ${min} to ${max}`,
    parse: (text) => {
      // Number() alone would accept '', '1e3' and '0x10'.
      const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? value : undefined
    },
  }
}

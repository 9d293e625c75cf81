import type { Setting } from './settings.ts'

/** The port of each process, always on loopback. */
export const ports = {
  shop: port('shop', 8000, 'where the shop listens'),
  flaky: port('flaky', 9000, 'where the flaky service listens'),
  product: port('product', 9001, 'where the product service listens'),
  inventory: port('inventory', 9002, 'where the inventory service listens'),
  dashboard: port('dashboard', 8501, 'where the dashboard listens'),
} as const

/** How often the example fails at random: 0 never, 1 always. */
export const rates = {
  users: rate('users-fail-rate', 0.1, 'the share of valid POST /users that fail'),
  fakeService: rate('fake-service-fail-rate', 0.7, 'the share of GET /fake_service that answer 503'),
  unstable: rate('unstable-fail-rate', 0.5, 'the share of GET /unstable that answer 500'),
} as const

/** Makes random failures repeatable. */
export const seed: Setting<number | undefined> = {
  flag: 'seed',
  env: 'ESCUDO_SEED',
  fallback: undefined,
  help: 'repeats the same random failures',
  takes: 'a whole number, 0 to 4294967295',
  parse: (text) => whole(text, 0, 0xffff_ffff),
}

/** The tokens of users and administrators. */
export const tokens = {
  user: token('user-token', 'secreto123', 'the value of X-Token for GET /secure_data'),
  admin: token('admin-token', 'admin123', 'the value of X-Token for /admin'),
} as const

/** The bound of each collection that the shop keeps in memory. */
export const entriesMax: Setting<number> = {
  flag: 'entries-max',
  env: 'ESCUDO_ENTRIES_MAX',
  fallback: 10_000,
  help: 'the most users, and the most tasks, that the shop keeps',
  takes: 'a whole number, 1 to 1000000',
  parse: (text) => whole(text, 1, 1_000_000),
}

/** A request that arrives slower than this gets 408, so that slow senders cannot fill the shop. */
export const requestTimeoutMs: Setting<number> = {
  flag: 'request-timeout-ms',
  env: 'ESCUDO_REQUEST_TIMEOUT_MS',
  fallback: 60_000,
  help: 'how long a request to the shop may take to arrive, in milliseconds',
  takes: 'a whole number, 100 to 3600000',
  parse: (text) => whole(text, 100, 3_600_000),
}

/** A file for the log lines, in addition to standard output. */
export const logFile: Setting<string | undefined> = {
  flag: 'log-file',
  env: 'ESCUDO_LOG_FILE',
  fallback: undefined,
  help: 'a file for the log lines, in addition to standard output',
  takes: 'a path',
  parse: (text) => (text.includes('\0') ? undefined : text),
}

/** A process's own port: the same variable, with the flag `--port`. */
export function ownPort(setting: Setting<number>): Setting<number> {
  return { ...setting, flag: 'port' }
}

function port(name: string, fallback: number, help: string): Setting<number> {
  const env = `ESCUDO_${name.toUpperCase()}_PORT`
  return {
    flag: `${name}-port`,
    env,
    fallback,
    help,
    takes: 'a port, 1 to 65535',
    parse: (text) => whole(text, 1, 65_535),
  }
}

function rate(flag: string, fallback: number, help: string): Setting<number> {
  const env = `ESCUDO_${flag.toUpperCase().replaceAll('-', '_')}`
  return { flag, env, fallback, help, takes: 'a share from 0 to 1', parse: share }
}

function token(flag: string, fallback: string, help: string): Setting<string> {
  const env = `ESCUDO_${flag.toUpperCase().replaceAll('-', '_')}`
  const takes = '8 to 256 letters, digits and signs, without spaces'
  return {
    flag,
    env,
    fallback,
    help,
    takes,
    // Characters that a header field carries unchanged.
    parse: (text) => (/^[!-~]{8,256}$/.test(text) ? text : undefined),
    secret: true,
  }
}

function whole(text: string, min: number, max: number): number | undefined {
  // Number() alone would accept '', '1e3' and '0x10'.
  if (!/^\d{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}

function share(text: string): number | undefined {
  if (!/^\d*\.?\d+$/.test(text)) return undefined
  const value = Number(text)
  return value <= 1 ? value : undefined
}

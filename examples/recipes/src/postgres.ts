// PostgreSQL behind two shields: one for what may run twice, one for everything else.
import { bulkhead, circuitBreaker, consecutive, exponential, retry, type Shield, shield, timeout } from 'escudo'
import pg from 'pg'
import { countFaults, retryIdempotent, retryUnexecuted } from './fault.ts'
import { postgresFault } from './postgres-fault.ts'

const CONNECTIONS = 8

/** A pool, and the shields of its queries. */
export interface Postgres {
  readonly pool: pg.Pool
  /** For reads, and for writes that recognise a repetition. */
  readonly idempotent: Shield
  /** For all other writes. An attempt that may have been executed is not retried. */
  readonly once: Shield
}

/** Makes the pool and its shields. Call it once, when the program starts. */
export function connectPostgres(connectionString: string): Postgres {
  const pool = new pg.Pool({
    connectionString,
    max: CONNECTIONS,
    connectionTimeoutMillis: 1_000,
    // The server ends the work itself, before the timeout of the attempt ends the wait for it.
    statement_timeout: 1_500,
  })
  // Without a listener, a connection that breaks while it is idle ends the process. The pool replaces it.
  pool.on('error', () => {})

  // Both shields share the breaker and the bulkhead: there is one server and one pool.
  const breaker = circuitBreaker({
    trip: consecutive(5),
    openFor: '500ms',
    classify: countFaults(postgresFault),
  })
  const connections = bulkhead({ limit: CONNECTIONS, queue: 100, maxWait: '1s' })
  const backoff = exponential({ base: '50ms', max: '500ms' })
  const build = (name: string, classify: ReturnType<typeof retryUnexecuted>): Shield =>
    shield(
      name,
      timeout('5s'),
      retry({ maxRetries: 2, backoff, classify }),
      breaker,
      // Outside the bulkhead: a query cannot be cancelled, and keeps its connection until it ends.
      timeout('2s', { name: 'attempt' }),
      connections,
    )
  return {
    pool,
    idempotent: build('postgres, idempotent', retryIdempotent(postgresFault)),
    once: build('postgres, once', retryUnexecuted(postgresFault)),
  }
}

// A lock that all instances of a service share, in PostgreSQL: a scheduled job then runs in one of them.
import type { Pool } from 'pg'

/** The result of work that needs a lock. */
export type Locked<T> = { readonly locked: true; readonly value: T } | { readonly locked: false }

/**
 * Runs work while it holds a lock. Does not wait: if another process has the lock, the work does not run.
 *
 * The lock belongs to a connection, so it is released when the process dies. It is lost when the connection breaks. The
 * signal of the work then aborts, since another instance can take the lock.
 */
export async function withLock<T>(
  pool: Pool,
  name: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Locked<T>> {
  const client = await pool.connect()
  const lost = new AbortController()
  const onError = (cause: Error): void => lost.abort(new Error(`the lock '${name}' was lost`, { cause }))
  client.on('error', onError)
  try {
    const query = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked'
    const { rows } = await client.query<{ locked: boolean }>(query, [name])
    if (rows[0]?.locked !== true) return { locked: false }
    return { locked: true, value: await work(AbortSignal.any([signal, lost.signal])) }
  } finally {
    // Awaited, so that the lock is free when the call returns.
    const unlocked = await client.query('SELECT pg_advisory_unlock_all()').then(
      () => true,
      () => false,
    )
    if (unlocked) client.off('error', onError)
    // Closes a connection in an unknown state, which releases the lock too.
    client.release(!unlocked)
  }
}

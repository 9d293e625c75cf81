// What the errors of PostgreSQL and of the client `pg` mean.
import type { Fault } from './fault.ts'
import { networkFault } from './network-fault.ts'

/** The meaning of single SQLSTATE codes. They take precedence over their class. */
const CODES: Readonly<Record<string, Fault>> = {
  '08001': 'transient', // the client could not connect
  '08004': 'transient', // the server rejected the connection
  '40002': 'caller', // a constraint failed at the end of the transaction
  '40003': 'unknown', // the server does not know whether the statement was completed
  '55P03': 'transient', // a lock was not available (NOWAIT, lock_timeout); the statement was rolled back
  '57P01': 'unknown', // an administrator ended the session, possibly after the commit
  '57P02': 'unknown', // another server process crashed
  '57P03': 'transient', // the server is starting, stopping or in recovery, and accepts no connection
  '53400': 'never', // a configured limit was exceeded
  P0001: 'caller', // RAISE EXCEPTION in a function of the application
}

/** The meaning of all other codes of a class: their first two characters. */
const CLASSES: Readonly<Record<string, Fault>> = {
  '08': 'unknown', // the connection failed
  '21': 'caller', // cardinality, for example a subquery that returns two rows
  '22': 'caller', // invalid data
  '23': 'caller', // a constraint
  '40': 'transient', // the transaction was rolled back: deadlock, serialization failure
  '42': 'caller', // syntax, unknown names, missing permissions
  '44': 'caller', // WITH CHECK OPTION of a view
  '53': 'transient', // no memory, disk space or connection left; the statement was rolled back
}

/** Errors of the client without a code. Check them after an update of `pg`. */
const MESSAGES: Readonly<Record<string, Fault>> = {
  'timeout exceeded when trying to connect': 'transient', // all connections of the pool are in use
  'Connection terminated due to connection timeout': 'transient',
  'timeout expired': 'transient', // of the connection
  'Client has encountered a connection error and is not queryable': 'transient', // the query was not sent
  'Client was closed and is not queryable': 'transient',
  'Connection terminated unexpectedly': 'unknown',
  'Connection terminated': 'unknown',
  'Query read timeout': 'unknown',
}

/** Returns what an error of a query means. An error that is not known is `never`, the safe answer. */
export function postgresFault(error: unknown): Fault {
  const network = networkFault(error)
  if (network !== undefined) return network
  if (!(error instanceof Error)) return 'never'
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return MESSAGES[error.message] ?? 'never'
  // Other codes that contain five characters, such as EPERM, belong to no class of this table.
  return CODES[code] ?? (code.length === 5 ? CLASSES[code.slice(0, 2)] : undefined) ?? 'never'
}

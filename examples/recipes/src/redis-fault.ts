// What the errors of Redis mean, and those of its clients ioredis and node-redis.
import type { Fault } from './fault.ts'
import { networkFault } from './network-fault.ts'

/** The first word of an error reply. Redis sends these replies before it changes anything. */
const REPLIES: Readonly<Record<string, Fault>> = {
  LOADING: 'transient', // the server has just started, and reads its data
  BUSY: 'transient', // a script blocks the server
  CLUSTERDOWN: 'transient', // the cluster has no owner for a slot, until a failover is complete
  TRYAGAIN: 'transient', // the keys of the command are moving to another node
  MASTERDOWN: 'transient', // a replica has lost its primary, and must not serve old data
  READONLY: 'transient', // this server has become a replica: reconnect, then try again
  NOREPLICAS: 'transient', // too few replicas are connected to accept a write
  UNBLOCKED: 'transient', // a blocking command ended without a result, because the server changed its role
  OOM: 'never', // the memory is used up; more commands do not free it
  MISCONF: 'never', // the disk cannot be written; an operator must act
  NOAUTH: 'never', // the password is missing
  WRONGPASS: 'never', // the password is wrong
  NOPERM: 'never', // the user may not run this command
  MOVED: 'never', // a client without cluster support is connected to a cluster
  ASK: 'never', // the same
  WRONGTYPE: 'caller', // the key contains another type
  NOSCRIPT: 'caller', // send the script itself, with EVAL
  CROSSSLOT: 'caller', // the keys are on different nodes
  EXECABORT: 'caller', // a command of the transaction was invalid, so none was executed
  BUSYGROUP: 'caller', // the consumer group exists already
  BUSYKEY: 'caller', // the target of RESTORE exists already
  NOGROUP: 'caller', // the consumer group does not exist
  NOPROTO: 'caller', // the protocol version is not supported
  ERR: 'caller', // wrong arguments, unknown command, value out of range
}

/** Errors of the clients, by the start of their message. Check them after an update. */
const MESSAGES: readonly (readonly [start: string, fault: Fault])[] = [
  ['ERR max number of clients reached', 'transient'], // the only transient reply that starts with ERR
  // ioredis
  ["Stream isn't writeable and enableOfflineQueue", 'transient'], // not connected: the command was not sent
  ['connect ETIMEDOUT', 'transient'],
  ['Connection is closed.', 'unknown'],
  ['Command aborted due to connection close', 'unknown'],
  ['Reached the max retries per request limit', 'unknown'],
  ['Command timed out', 'unknown'],
  // node-redis
  ['The client is offline', 'transient'], // not connected: the command was not sent
  ['Connection timeout', 'transient'],
  ['Socket closed unexpectedly', 'unknown'],
  // both
  ['Socket timeout', 'unknown'],
]

/** Returns what an error of a command means. An error that is not known is `never`, the safe answer. */
export function redisFault(error: unknown): Fault {
  const network = networkFault(error)
  if (network !== undefined) return network
  if (!(error instanceof Error)) return 'never'
  const { message } = error
  const known = MESSAGES.find(([start]) => message.startsWith(start))
  return known?.[1] ?? REPLIES[message.split(' ', 1)[0] as string] ?? 'never'
}

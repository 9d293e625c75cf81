// A queue of BullMQ. A job is added once, waits while its dependency is down, and is not retried if it cannot succeed.
import { DelayedError, type Job, type JobsOptions, Queue, UnrecoverableError, Worker } from 'bullmq'
import { isRefusal, type PolicyError, type Shield, wasCalled } from 'escudo'
import { Redis } from 'ioredis'
import { type FaultOf, faultOfCall } from './fault.ts'
import { redisShields } from './redis.ts'

/** The longest time that a finished job is kept, so that its id is recognised. */
const KEEP_FINISHED_S = 24 * 3600

/** How often and when BullMQ makes another attempt at a job, after its shield has given up. */
const JOB: JobsOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  removeOnComplete: { age: KEEP_FINISHED_S },
  removeOnFail: { age: 7 * KEEP_FINISHED_S },
}

/** Adds jobs. */
export interface Producer<T> {
  readonly queue: Queue
  /** Adds a job. The same id twice makes one job, so that a retry after a lost answer changes nothing. */
  add(id: string, data: T): Promise<void>
}

/**
 * Makes a producer. Call it once, when the program starts.
 *
 * @param connection from `connectIoredis`: while Redis is down, its commands fail instead of waiting
 * @param options differences to the options of jobs above
 */
export function makeProducer<T>(name: string, connection: Redis, options: JobsOptions = {}): Producer<T> {
  const queue = new Queue(name, { connection, defaultJobOptions: { ...JOB, ...options } })
  // Without a listener, an error of the connection ends the process. In your program: log it.
  queue.on('error', () => {})
  const { idempotent } = redisShields()
  return {
    queue,
    async add(id, data) {
      await idempotent.run(() => queue.add(name, data, { jobId: id }))
    },
  }
}

/** The connection of a consumer. Unlike that of a producer, its commands wait until Redis is back. */
export function connectConsumer(port: number, host = '127.0.0.1'): Redis {
  const client = new Redis(port, host, {
    // BullMQ requires it. A result that cannot be stored now is stored later, not lost.
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(attempt * 50, 500),
  })
  client.on('error', () => {})
  return client
}

/** What a consumer does with the jobs of a queue. */
export interface ConsumerOptions<T> {
  /** From `connectConsumer`. */
  readonly connection: Redis
  /** The shield of the dependency that the handler calls. */
  readonly shield: Shield
  /** What the errors of this dependency mean. */
  readonly faultOf: FaultOf
  /** Whether the handler may run twice for one job, for example because it passes `job.id` on as the idempotency key. */
  readonly isIdempotent: boolean
  readonly handle: (job: Job<T>, signal: AbortSignal) => Promise<unknown>
  /** How many jobs run at once. At most the limit of the shield's bulkhead, or the others are delayed. Default 1. */
  readonly concurrency?: number
  /** How long a job belongs to its worker without a sign of life. Default 30,000. */
  readonly lockMs?: number
}

/** Consumes a queue. Close it with `await worker.close()`, which waits for the jobs that it is processing. */
export function consume<T>(name: string, options: ConsumerOptions<T>): Worker<T> {
  const { connection, shield, handle, isIdempotent, concurrency = 1, lockMs = 30_000 } = options
  // BullMQ passes a signal only to a function with three parameters.
  const process = async (job: Job<T>, token?: string, signal?: AbortSignal): Promise<unknown> => {
    try {
      return await shield.run((call) => handle(job, call.signal), signal === undefined ? {} : { signal })
    } catch (error) {
      throw signal?.aborted === true ? error : await judge(job, token, error, options)
    }
  }
  const worker = new Worker<T>(name, process, {
    connection,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: lockMs / 2,
    // A job stalls when its worker dies. It may have been executed: 0 moves it to the failed jobs.
    maxStalledCount: isIdempotent ? 1 : 0,
  })
  // As for the producer.
  worker.on('error', () => {})
  // Another worker will take these jobs.
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'the lock was lost')
  })
  return worker
}

/** Returns the error that tells BullMQ what to do with a job. */
async function judge<T>(job: Job<T>, token: string | undefined, error: unknown, options: ConsumerOptions<T>) {
  if (isRefusal(error) && !wasCalled(error)) {
    // The dependency was not called, so this is no attempt.
    await job.moveToDelayed(Date.now() + ((error as PolicyError).retryAfterMs ?? 1_000), token)
    return new DelayedError()
  }
  const fault = faultOfCall(options.faultOf)(error)
  if (fault === 'transient' || (fault === 'unknown' && options.isIdempotent)) return error
  return Object.assign(new UnrecoverableError(String(error)), { cause: error })
}

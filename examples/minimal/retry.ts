// Retries an operation that fails twice, and bounds all attempts with one timeout.
import { attemptsOf, exponential, retry, shield, timeout } from 'escudo'

const prices = shield(
  'prices',
  timeout('2s'), // all attempts and the delays between them
  retry({ maxRetries: 2, backoff: exponential({ base: '20ms', max: '500ms' }) }),
)
prices.on('retry', ({ attempt, error }) => console.log(`attempt ${attempt} failed: ${(error as Error).message}`))

/** In your program: a database query or an HTTP request. Pass `signal` on, so that the timeout cancels it. */
async function readPrice(signal: AbortSignal, attempt: number): Promise<number> {
  signal.throwIfAborted()
  if (attempt < 3) throw new Error('connection reset')
  return 42
}

const price = await prices.run(({ signal, attempt }) => readPrice(signal, attempt))
console.log(`price: ${price}`)

// After the last attempt, the caller gets the last error, unchanged.
try {
  await prices.run(() => Promise.reject(new Error('connection refused')))
} catch (error) {
  console.log(`failed after ${attemptsOf(error).length} attempts: ${(error as Error).message}`)
}

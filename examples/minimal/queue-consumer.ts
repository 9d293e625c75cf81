// Consumes a queue. While the circuit is open, messages stay in it. A message that cannot succeed is set aside.
import { setTimeout as delay } from 'node:timers/promises'
import { CircuitOpenError, circuitBreaker, consecutive, constant, retry, shield, timeout } from 'escudo'
import { defineErrors } from 'escudo/errors'

const Errors = defineErrors({ UNKNOWN_USER: { status: 404, message: 'Unknown user.' } })
const mail = shield(
  'mail',
  retry({ maxRetries: 1, backoff: constant('10ms') }),
  circuitBreaker({ trip: consecutive(2), openFor: '500ms' }),
  timeout('1s'), // of each attempt
)
const queue = ['ana', 'nada', 'bob', 'eva'].map((user) => ({ user, deliveries: 0 })) // in your program: a broker
let failures = 2

/** In your program: the request. It can arrive twice, because a timeout does not tell whether it arrived. */
async function send(user: string): Promise<void> {
  if (user === 'nada') throw new Errors.UNKNOWN_USER() // a business error: no retry, no failure for the breaker
  if (user === 'bob' && failures-- > 0) throw new Error('mail server is down')
}

for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
  const { user, deliveries } = message
  try {
    await mail.run(() => send(user))
    console.log(`sent: ${user}`)
  } catch (error) {
    const isRefused = error instanceof CircuitOpenError // nothing was sent, so this is not a delivery
    if (Errors.UNKNOWN_USER.is(error) || (!isRefused && deliveries === 2)) console.log(`set aside: ${user}`)
    else {
      queue.unshift({ user, deliveries: isRefused ? deliveries : deliveries + 1 })
      console.log(`kept: ${user}, ${isRefused ? 'the circuit is open' : (error as Error).message}`)
      await delay(50 + (isRefused ? (error.retryAfterMs ?? 1_000) : 0))
    }
  }
}

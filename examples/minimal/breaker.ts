// Stops calls to a dependency that is down, and detects when it has recovered.
import { setTimeout as delay } from 'node:timers/promises'
import { CircuitOpenError, circuitBreaker, consecutive, explain, shield } from 'escudo'

// In production: trip: failureRate(), openFor: '10s'. These values make the example short.
const breaker = circuitBreaker({ trip: consecutive(3), openFor: '500ms' })
const payments = shield('payments', breaker)
payments.on('stateChange', ({ from, to }) => console.log(`circuit: ${from} -> ${to}`))

let isDown = true
let calls = 0

/** In your program: the request to the dependency. */
async function charge(): Promise<string> {
  calls += 1
  if (isDown) throw new Error('connection refused')
  return 'paid'
}

for (let call = 1; call <= 4; call += 1) {
  try {
    await payments.run(charge)
  } catch (error) {
    if (!(error instanceof CircuitOpenError)) console.log(`call ${call} failed: ${(error as Error).message}`)
    else console.log(`call ${call} rejected without a request: ${explain(error)?.policies[0]?.state}`)
  }
}
console.log(`requests sent: ${calls}`)

isDown = false
await delay(600)
// The first call after the open period is the probe. Its success closes the circuit.
console.log(await payments.run(charge))

// `npm run attack`: calls one endpoint repeatedly and shows how its circuit breaker behaves.
import { main } from '../process/main.ts'
import { attack } from './attack.ts'
import { attackSettings, targetOf } from './settings.ts'
import { summaryOf } from './summary.ts'

await main('attack', 'npm run attack --', attackSettings, async (values) => {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  // A closed pipe (`npm run attack | head -3`) ends the attack.
  process.stdout.on('error', () => stop.abort())
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`)
  }
  const { calls, intervalMs } = values
  const results = await attack({ url: targetOf(values), calls, intervalMs, signal: stop.signal, print })
  process.stdout.write(summaryOf(results, calls))
})

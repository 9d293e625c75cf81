// `npm run attack`: calls one endpoint again and again, and shows how the circuit breaker in front of it behaves.
import { main } from '../process/misuse.ts'
import { helpText, readSettings } from '../process/settings.ts'
import { attack } from './attack.ts'
import { attackSettings, targetOf } from './settings.ts'
import { summaryOf } from './summary.ts'

await main('attack', async () => {
  const values = readSettings(attackSettings)
  if (values === 'help') {
    process.stdout.write(helpText('Usage: npm run attack -- [flags]', attackSettings))
    return
  }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  // Nobody reads any more (`npm run attack | head -3`): then nobody is to be called any more.
  process.stdout.on('error', () => stop.abort())
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`)
  }
  const { calls, intervalMs } = values
  const results = await attack({ url: targetOf(values), calls, intervalMs, signal: stop.signal, say })
  process.stdout.write(summaryOf(results, calls))
})

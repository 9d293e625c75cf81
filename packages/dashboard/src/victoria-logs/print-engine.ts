import type { OnceCommand } from '../command-line.ts'
import { UsageError } from '../usage-error.ts'
import type { EngineAddress } from './engine-client.ts'
import { EngineError } from './engine-error.ts'
import { VictoriaLogs } from './victoria-logs.ts'

/** Prints the totals of an engine and its verdict as JSON. */
export async function printEngine(
  address: EngineAddress,
  { declared, thresholds }: Pick<OnceCommand, 'declared' | 'thresholds'>,
): Promise<void> {
  const engine = new VictoriaLogs(address, declared)
  engine.judgeBy(thresholds)
  try {
    await engine.connect()
    const totals = await engine.totals(undefined)
    process.stdout.write(`${JSON.stringify({ ...totals, health: await engine.health() })}\n`)
  } catch (error) {
    throw error instanceof EngineError ? new UsageError(error.message) : error
  }
}

import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { rowsOf } from './row-number.ts'

type Verdict = 'passed' | 'failed' | 'pending'

/** Prints one line for each row of the contract when all tests have ended. */
export default class RowReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<string, Verdict[]>()
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const verdict = verdictOf(test, module)
        for (const row of verdict === undefined ? [] : rowsOf(test.name)) {
          rows.set(row, [...(rows.get(row) ?? []), verdict as Verdict])
        }
      }
    }
    const inOrder = [...rows].sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
    process.stdout.write(`${inOrder.map(([row, verdicts]) => lineOf(row, verdicts)).join('\n')}\n`)
  }
}

/** Returns the verdict of a test; undefined if the run did not select it. */
function verdictOf(test: TestCase, module: TestModule): Verdict | undefined {
  const { state } = test.result()
  if (state === 'passed' || state === 'failed') return state
  // If a hook of the file fails, its tests do not run.
  if (module.state() === 'failed' && module.errors().length > 0) return 'failed'
  const isPending = test.options.mode === 'todo' || (test.result() as { note?: string }).note !== undefined
  return isPending ? 'pending' : undefined
}

function lineOf(row: string, verdicts: readonly Verdict[]): string {
  const count = (wanted: Verdict): number => verdicts.filter((verdict) => verdict === wanted).length
  const verdict = count('failed') > 0 ? 'DIFFERS' : count('passed') > 0 ? 'holds' : 'pending'
  const pending = count('pending') > 0 ? `, ${count('pending')} pending` : ''
  return `${row.padEnd(6)} ${verdict.padEnd(8)} ${count('passed')} of ${verdicts.length} tests passed${pending}`
}

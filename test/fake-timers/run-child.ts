// Runs the scenarios under one tool: in real time, in fake time, and in real time again, twice.
import type { FakeTool } from './scenarios.ts'

/**
 * Imports the library before or after the tool fakes time, then alternates between the times.
 *
 * @param importedWhileFaked whether the tool fakes time before the import
 */
export async function alternate(tool: FakeTool, importedWhileFaked: boolean): Promise<void> {
  if (importedWhileFaked) tool.enable()
  const { runAll, scenarios } = await import('./scenarios.ts')
  const all = scenarios()
  let faked = importedWhileFaked
  for (let round = 0; round < 4; round += 1) {
    await runAll(all, faked ? tool : undefined)
    if (faked) tool.reset()
    else tool.enable()
    faked = !faked
  }
  if (faked) tool.reset()
  await runAll(all, undefined)
}

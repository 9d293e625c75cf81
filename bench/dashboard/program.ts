import { join } from 'node:path'
import { buildDashboard } from '../../tools/build/dashboard.ts'

/** The program as a source: Node needs more time to load it than the built one. */
export const SOURCE = 'packages/dashboard/src/bin.ts'

/** Builds the dashboard as it is packed. Returns the path of its program. */
export async function builtProgram(folder: string): Promise<string> {
  const outDir = join(folder, 'package', 'dist')
  await buildDashboard(join(process.cwd(), 'packages', 'dashboard'), outDir)
  return join(outDir, 'bin.js')
}

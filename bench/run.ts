// `npm run bench`: the policies beside their peers, or another set of benchmarks by its name. See README.md in this folder.
import { UsageError } from './command-line.ts'
import { progress } from './progress.ts'

/** Runs a set of benchmarks with the arguments that follow its name. */
type Command = (args: readonly string[]) => Promise<void>

const POLICIES = async (): Promise<Command> => (await import('./policies.ts')).policies
/** The sets that have a name. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['dashboard', async () => (await import('./dashboard/main.ts')).main],
  ['fleet', async () => (await import('./fleet/main.ts')).main],
  ['frameworks', async () => (await import('./frameworks/main.ts')).main],
  ['fleet-torture', async () => (await import('./fleet/torture/main.ts')).main],
  ['imports', async () => (await import('./imports/main.ts')).main],
  ['service', async () => (await import('./service/service.ts')).service],
])

const [name = '', ...rest] = process.argv.slice(2)
const named = COMMANDS.get(name)
try {
  const command = await (named ?? POLICIES)()
  await command(named === undefined ? process.argv.slice(2) : rest)
} catch (error) {
  progress.end()
  if (!(error instanceof UsageError)) throw error
  console.error(`bench: ${error.message}\nbench: see --help`)
  process.exitCode = 1
}

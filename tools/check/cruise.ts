import { join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractDepcruiseConfig from 'dependency-cruiser/config-utl/extract-depcruise-config'
import { ROOT } from '../tidy/repository.ts'

/** The folders that hold sources. */
const FOLDERS = ['packages', 'examples', 'tools', 'test', 'bench', 'docs']

/** One import that breaks a rule. */
export interface Violation {
  readonly rule: string
  readonly from: string
  /** The imported file or package; for a cycle, the files on it. */
  readonly to: string
  /** What the rule says. */
  readonly comment: string
}

/** The imports of a tree, compared with the rules. */
export interface Cruise {
  /** The sources that were read. */
  readonly modules: readonly string[]
  readonly violations: readonly Violation[]
}

/** Reads every import of the sources in `root` and compares it with the rules of `.dependency-cruiser.mjs`. */
export async function cruiseTree(root: string, folders: readonly string[] = FOLDERS): Promise<Cruise> {
  const { forbidden = [], options } = await extractDepcruiseConfig(join(ROOT, '.dependency-cruiser.mjs'))
  const { enhancedResolveOptions, ...cruiseOptions } = options ?? {}
  const { output } = await cruise(
    [...folders],
    { ...cruiseOptions, baseDir: root, validate: true, ruleSet: { forbidden } },
    { ...enhancedResolveOptions, bustTheCache: true },
  )
  const { modules, summary } = output as ICruiseResult
  return {
    modules: modules.map(({ source }) => source).filter((path) => !path.includes('node_modules') && path.includes('/')),
    violations: summary.violations.map(({ rule, from, to, cycle }) => ({
      rule: rule.name,
      from,
      to: cycle === undefined ? to : cycle.map(({ name }) => name).join(' → '),
      comment: forbidden.find(({ name }) => name === rule.name)?.comment ?? '',
    })),
  }
}

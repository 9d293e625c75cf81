import { execFileSync } from 'node:child_process'

const LENGTH_MAX = 72
/** Subjects up to this commit are as they are: history does not change. */
const FIRST = '45f7b38703867d34fa5c1b9f6268c90755468420'

/** Returns the commit subjects after the rule began, merges aside; only the newest one in a shallow clone. */
export function commitSubjects(root: string): readonly string[] {
  const log = (...range: string[]): string[] =>
    execFileSync('git', ['log', '--no-merges', '--format=%s', ...range], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
      .split('\n')
      .filter((subject) => subject !== '')
  try {
    return log(`${FIRST}..HEAD`)
  } catch {
    return log('-1')
  }
}

/** Finds subjects over 72 characters. */
export function longSubjects(subjects: readonly string[]): readonly string[] {
  return subjects
    .filter((subject) => subject.length > LENGTH_MAX)
    .map((subject) => `${subject.length} characters, at most ${LENGTH_MAX}: ${subject}`)
}

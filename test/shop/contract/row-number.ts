/** The number of a row at the start of a test's name: `4.7b`, or `4.7b, 4.10` for a test of two rows. */
export const ROW_NUMBER: RegExp = /^(4\.\d+[a-h]?|body|lang|codes|fault|logs|docs|start|cmd)\b/

/** Returns the numbers of the rows that a test checks. */
export function rowsOf(testName: string): readonly string[] {
  const [numbers = ''] = testName.split(': ', 1)
  return ROW_NUMBER.test(testName) ? numbers.split(', ') : []
}

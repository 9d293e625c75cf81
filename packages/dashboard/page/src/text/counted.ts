/** Returns a count with its noun, which differs between one and any other count. */
export function counted(n: string, one: string, others: string): string {
  return `${n} ${n === '1' ? one : others}`
}

// Stores a large state again and again until it is killed.
import { CacheFile } from '../cache-file.ts'

const file = new CacheFile(process.argv[2] ?? '', 'key')
process.stdout.write('writes\n')
for (let number = 1; ; number += 1) {
  const state = { number, numbers: new Float64Array(500_000).fill(number) }
  if (number % 2 === 0) await file.write(state)
  else file.writeNow(state)
}

// Stores a large state again and again until it is killed.
import { CacheFile } from '../cache-file.ts'
import { numbered } from './numbered.ts'

const file = new CacheFile(process.argv[2] ?? '', 'key')
process.stdout.write('writes\n')
for (let number = 1; ; number += 1) {
  if (number % 2 === 0) await file.write(numbered(number))
  else file.writeNow(numbered(number))
}

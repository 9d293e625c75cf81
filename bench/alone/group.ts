// A process for one group. The arguments are its name, the rounds and the milliseconds of a round.
import { GROUPS } from '../groups.ts'
import { consumedResults, measure } from '../harness.ts'

const [name, rounds, roundMs] = process.argv.slice(2)
const groups = GROUPS.filter((group) => group.name === name)
const measured = await measure(groups, { rounds: Number(rounds), roundMs: Number(roundMs) })
process.stdout.write(JSON.stringify({ ...measured, consumed: consumedResults() }))

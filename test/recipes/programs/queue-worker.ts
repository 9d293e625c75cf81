// A consumer in a separate process, to be killed. It records each job in Redis, and never finishes one.
import { shield } from 'escudo'
import { connectConsumer, consume } from '../../../examples/recipes/src/queue.ts'
import { redisFault } from '../../../examples/recipes/src/redis-fault.ts'

const [port = '', name = '', isIdempotent = ''] = process.argv.slice(2)
const connection = connectConsumer(Number(port))
consume(name, {
  connection,
  shield: shield('never ends'),
  faultOf: redisFault,
  isIdempotent: isIdempotent === 'true',
  lockMs: 500,
  handle: async (job) => {
    await connection.rpush(`${name}:runs`, job.id ?? '')
    await new Promise(() => {})
  },
})

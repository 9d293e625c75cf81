// Runs in each service before its program.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

// The process of the tests may be killed. It ends nothing then.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.channel?.unref()

// Tells the tests that this process answers on the port, and no other.
const REQUEST = 'http.server.request.start'
subscribe(REQUEST, function report() {
  unsubscribe(REQUEST, report)
  process.send?.('serving')
})

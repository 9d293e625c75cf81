// Put into any process of the example by `NODE_OPTIONS=--import=…`: from SIGUSR2 on it throws where nobody catches, again
// and again, as a broken timer would.
process.on('SIGUSR2', () => {
  setInterval(() => {
    throw new Error('simulated crash: a timer that throws')
  }, 1)
})

// Loaded into a process of the example with `NODE_OPTIONS=--import=…`. After SIGUSR2 it throws an uncaught error every
// millisecond, as a broken timer would.
process.on('SIGUSR2', () => {
  setInterval(() => {
    throw new Error('simulated crash: a timer that throws')
  }, 1)
})

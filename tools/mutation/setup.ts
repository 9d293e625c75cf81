// A mutant needs one counterexample, not thousands of runs: each property may take 300 ms.
import fc from 'fast-check'

fc.configureGlobal({ interruptAfterTimeLimit: 300 })

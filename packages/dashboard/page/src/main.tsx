import { render } from 'preact'
import { App } from './app.tsx'
import { listenToKeys } from './keys.ts'
import { connect } from './live.ts'
import './style.css'
import 'uplot/dist/uPlot.min.css'

const place = document.getElementById('page')
if (place !== null) render(<App />, place)
listenToKeys()
connect()

import { render } from 'preact'
import { App } from './app.tsx'
import { listenToKeys } from './state/keys.ts'
import { connect } from './state/live.ts'
import 'uplot/dist/uPlot.min.css'
// In this order: a later sheet goes over an earlier one.
import './style/base.css'
import './style/head.css'
import './style/charts.css'
import './style/lists.css'
import './style/dialogs.css'
import './style/narrow.css'

const place = document.getElementById('page')
if (place !== null) render(<App />, place)
listenToKeys()
connect()

import { render } from 'preact'
import { App } from './app.tsx'
import { loadEngine } from './engine/loaded.ts'
import { showStateInTab } from './frame/tab.ts'
import { loadLevers } from './levers/loaded.ts'
import { listenToKeys } from './state/keys.ts'
import { connect } from './state/live.ts'
import { searchFromUrl } from './state/search.ts'
import 'uplot/dist/uPlot.min.css'
// The order matters: a later sheet overrides an earlier one.
import './style/base.css'
import './style/head.css'
import './style/charts.css'
import './style/lists.css'
import './style/lanes.css'
import './style/tail.css'
import './style/tables.css'
import './style/dialogs.css'
import './style/levers.css'
import './style/narrow.css'

const container = document.getElementById('page')
if (container !== null) render(<App />, container)
listenToKeys()
showStateInTab()
connect()
void loadLevers()
loadEngine()
searchFromUrl()

import '@fontsource-variable/ibm-plex-sans/wght.css'
import './shared/styles/fonts.css'
import './shared/styles/tokens.css'
import './shared/styles/base.css'
import './shared/state/colors'
import { createApp } from 'vue'
import App from './app/App.vue'
import { router } from './app/router'

createApp(App).use(router).mount('#app')

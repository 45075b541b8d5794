/** Which address shows which page. Each page is a chunk of its own, loaded when it is first shown. */
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import NotFound from './NotFound.vue'

const ID = '[0-9a-fA-F-]{36}'

export const routes: RouteRecordRaw[] = [
  { path: '/', component: () => import('@/features/dashboard/DashboardPage.vue') },
  { path: '/runs', component: () => import('@/features/runs/RunsPage.vue') },
  { path: '/flows', component: () => import('@/features/flows/FlowsPage.vue') },
  { path: `/flow/:id(${ID})`, component: () => import('@/features/flow/FlowPage.vue') },
  { path: `/flow/:id(${ID})/run`, component: () => import('@/features/run-flow/RunFlowPage.vue') },
  { path: `/flow-run/:id(${ID})`, component: () => import('@/features/flow-run/FlowRunPage.vue') },
  { path: `/task-run/:id(${ID})`, component: () => import('@/features/task-run/TaskRunPage.vue') },
  { path: '/agents', component: () => import('@/features/agents/AgentsPage.vue') },
  { path: '/limits', component: () => import('@/features/limits/LimitsPage.vue') },
  { path: '/projects', component: () => import('@/features/projects/ProjectsPage.vue') },
  { path: '/secrets', component: () => import('@/features/secrets/SecretsPage.vue') },
  { path: '/key-values', component: () => import('@/features/key-values/KeyValuesPage.vue') },
  { path: '/calendar', component: () => import('@/features/calendar/CalendarPage.vue') },
  { path: '/server', component: () => import('@/features/server/ServerPage.vue') },
  { path: '/api', component: () => import('@/features/console/ConsolePage.vue') },
  // Where clients of Prefect 1.x lead people: /TENANT/flow-run/ID.
  {
    path: `/:tenant/:kind(flow|flow-run|task-run)/:id(${ID})`,
    redirect: ({ params }) => `/${params.kind}/${params.id}`,
  },
  { path: '/:rest(.*)*', component: NotFound },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
})

// After an upgrade the chunks of the old version are gone from the server: load the page anew, once.
router.onError((error: Error, to) => {
  const isGone = /dynamically imported module|module script failed|Unable to preload/i.test(error.message)
  if (isGone && sessionStorage.getItem('eparch.reloaded') !== to.fullPath) {
    sessionStorage.setItem('eparch.reloaded', to.fullPath)
    location.assign(to.fullPath)
  }
})
router.afterEach(() => sessionStorage.removeItem('eparch.reloaded'))

import js from '@eslint/js'
import globals from 'globals'
import vue from 'eslint-plugin-vue'
import typescript from 'typescript-eslint'

/** Forbids imports; `message` says why. */
function forbid(group, message) {
  return { 'no-restricted-imports': ['error', { patterns: group.map((each) => ({ group: [each], message })) }] }
}

export default typescript.config(
  { ignores: ['src/generated/**', 'node_modules/**'] },
  js.configs.recommended,
  ...typescript.configs.recommended,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
  },
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      // TypeScript sees these.
      'no-undef': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      // Layout is Prettier's business.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/require-default-prop': 'off',
      // Whatever a flow can write is hostile; the one place that shows HTML cleans it first (shared/components/Prose.vue).
      'vue/no-v-html': 'error',
    },
  },
  // shared -> features -> app, one way; features never import each other.
  {
    files: ['src/shared/**'],
    rules: forbid(['@/features/*', '@/app/*', '**/features/**', '**/app/**'], 'shared knows no feature and no page.'),
  },
  {
    files: ['src/features/**'],
    rules: forbid(
      ['@/features/*', '@/app/*', '../*'],
      'A feature imports from ./ , @/shared and @/generated; what two features need belongs into shared.',
    ),
  },
)

// graphql-eslint's rules for schemas that Relay can use.
import graphql from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: './schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-relay'].rules,
      // "forward pagination arguments, backward pagination arguments, or both" (Relay's Cursor Connections, section 4)
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      // A node "cannot be a list", and may be anything else (3.1.1): a member of a calendar has no id of his own. Lists that
      // are no connections, `nodes` among them, are none of the specification's business.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
];

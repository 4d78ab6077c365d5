const { graphql } = require('react-relay');

module.exports = [
  graphql`
    query CalendarQuery($id: UUID!, $first: Int!, $after: String) {
      calendar(id: $id) {
        id
        name
        ...Calendar_events @arguments(first: $first, after: $after)
      }
    }
  `,
  graphql`
    fragment Calendar_events on Calendar @argumentDefinitions(first: { type: "Int" }, after: { type: "String" }) {
      events(first: $first, after: $after) @connection(key: "Calendar_events") {
        edges {
          node {
            id
            title
            attendees(first: 5) { nodes { id user { id name } } }
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  `,
];

//! What answers weigh: bytes for each item, so that nobody makes a list heavier without meaning to.

use serde_json::{Value, json};

use crate::graphql::{WINDOW, ask};
use crate::harness;
use crate::make;

const FIFTY: usize = 50;
const MARCH: &str = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";
const FEW: &str = "fields=id,title,start,end,start_time,end_time,organizer_name,attendee_count,room_name";

#[tokio::test]
async fn an_item_of_a_list_weighs_what_it_weighed() {
    let koyomi = harness::start().await;
    let mio = koyomi.admin("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&mio, "Kaede").await;
    for n in 0..FIFTY {
        let guests: Vec<Value> = (0..5).map(|g| json!({ "email": format!("guest{g}@example.com") })).collect();
        let start = make::at(&format!("2026-03-{:02}T{:02}:00:00", 1 + n % 28, 1 + n / 28), "UTC");
        let end = make::at(&format!("2026-03-{:02}T{:02}:30:00", 1 + n % 28, 1 + n / 28), "UTC");
        let more =
            json!({ "title": "Design review", "start": start, "end": end, "attendees": guests, "resources": [room] });
        make::event(&mio, &calendar, more).await;
    }
    let list = format!("/api/calendars/{calendar}/events?{MARCH}");
    for (what, path, most) in [
        ("whole", list.clone(), 1_000),
        ("few fields", format!("{list}&{FEW}"), 420),
        ("with guests and rooms", format!("{list}&expand=attendees,resources,organizer"), 2_500),
    ] {
        let each = mio.get(&path).await.is(200).body.len() / FIFTY;
        assert!((most * 3 / 4..=most).contains(&each), "{what}: {each} bytes an item, of {most}");
    }
    let nested = format!(
        r#"{{ calendar(id: "{calendar}") {{ events({WINDOW}, first: {FIFTY}) {{ nodes {{
            id title startTime endTime organizer {{ name }} attendees {{ nodes {{ email responseStatus user {{ name }} }} }}
            reservations {{ resource {{ name }} }}
        }} }} }} }}"#
    );
    let each = ask(&mio, &nested).await.is(200).body.len() / FIFTY;
    assert!((450..=650).contains(&each), "nested: {each} bytes an item");
}

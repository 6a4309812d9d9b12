"""Facts become mails that wait. Nothing is sent here."""

from collections.abc import Mapping

from services.email_worker.domain import BookingNews, Recipient, Show, ShowCancelled
from services.email_worker.ports import Store

type News = Recipient | Show | ShowCancelled | BookingNews


class MailHandlers:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def learn(self, told: Mapping[str, News]) -> None:
        """Take note of facts, by fact id and in their order; those known already change nothing."""
        async with self._store.transaction() as desk:
            fresh = await desk.first_time(told.keys())
            news = [one for fact_id, one in told.items() if fact_id in fresh]
            # Later facts of the same key replace earlier ones.
            recipients = {one.user_id: one for one in news if isinstance(one, Recipient)}
            shows = {one.event_id: one for one in news if isinstance(one, Show)}
            bookings = [one for one in news if isinstance(one, BookingNews)]
            await desk.know_recipients(list(recipients.values()))
            await desk.know_shows(list(shows.values()))
            await desk.cancel_shows([one for one in news if isinstance(one, ShowCancelled)])
            await desk.add([one.mail for one in bookings if one.mail is not None])
            await desk.withdraw_reminders([one.booking_id for one in bookings if one.decided])

"""Catches every mail the platform sends and shows it: SMTP in, .eml files, a page and a JSON API.

python -m services.local.mailbox --smtp PORT --http PORT --dir DIR

GET /api/messages?to=&limit=     newest first; `to` is one recipient, exactly
GET /api/messages?after=ID       what came after ID, oldest first: for polling without gaps
GET /api/messages?repeated=      what came more than once; a mail is shown once, by its Message-ID
GET /api/messages/ID             one mail with text, html, headers and attachments
GET /api/count?to=               {"count": …}
"""

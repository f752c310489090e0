"""The page that all examples show. It has nothing to do with sign-in."""

from collections.abc import Sequence

from markupsafe import Markup


def page(heading: str, who: str = "", groups: Sequence[str] = ()) -> str:
    """Return an HTML page with a heading, the name of the user, and links to the other pages."""
    if who:
        who_text = Markup("Signed in as <b>{}</b>, groups: {}").format(who, ", ".join(groups) or "none")
        way_out = Markup('<a href="/oauth2/sign_out">Sign out</a>')
    else:
        who_text, way_out = (
            Markup("You are not signed in"),
            Markup('<a href="/oauth2/start?rd=/">Sign in</a>'),
        )
    return PAGE.format(heading=heading, who=who_text, way_out=way_out)


PAGE = Markup("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{heading}</title>
<style>
  body {{ max-width: 27rem; margin: 12vh auto; padding: 0 1.5rem; font: 1rem/1.6 system-ui, sans-serif }}
  h1 {{ font-size: 1.5rem; line-height: 1.25 }}
  nav {{ display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin-top: 2rem }}
</style>
<h1>{heading}</h1>
<p>{who}</p>
<nav><a href="/">Home</a> <a href="/reports">Reports</a> <a href="/admin">Administration</a> {way_out}</nav>
</html>
""")

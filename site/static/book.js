// The contents: a line a chapter, and the page on which it begins.
function writeContents(pages) {
  const titles = document.querySelectorAll(".toctree-wrapper > section > h2");
  document.querySelector(".book-contents").replaceChildren(...[...titles].map((title, n) => {
    const line = document.createElement("li"), link = document.createElement("a"), page = document.createElement("span");
    link.href = "#" + title.parentElement.id;
    link.textContent = title.firstChild.textContent;
    page.textContent = pages[n] ?? "";
    line.append(link, page);
    return line;
  }));
}

document.querySelector('#files').addEventListener('change', ({ target }) => {
  if (target.files.length > 0) document.querySelector('#search').images = [...target.files];
});
